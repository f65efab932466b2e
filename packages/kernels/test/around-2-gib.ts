import { MIDDLE, placeFrom } from './place-in-memory'

/** Small arrays end below 2 GiB or lie across, larger ones above. */
placeFrom(MIDDLE - 4096)
