/** The words under which values were remembered in training; with the space before it, each is one token. */
export const KEY_WORDS: readonly string[] = `
  amber anchor apple arrow autumn badger bamboo basil beacon beaver birch bishop blossom border bottle bramble
  bridge bronze bucket butter button cabin cactus candle canyon carbon carpet castle cedar cellar cherry cinder
  circus clover cobalt comet copper coral cotton cradle crane cricket crystal cypress dagger dahlia daisy desert
  diamond dolphin dragon eagle ember engine falcon feather fennel fern ferry fiddle flint forest fossil fountain fox
  garlic garnet ginger glacier granite grape guitar hammer harbor hazel helmet heron hickory honey hornet indigo
  iris iron island ivory ivy jasmine jasper jungle juniper kettle kitten ladder lagoon lantern laurel lemon lily
  linen lion lizard lobster locket lotus magnet magpie mango maple marble meadow mellow meteor mint mirror monkey
  mosaic mulberry mustard napkin needle nettle nickel nutmeg oasis ocean olive onion onyx opal orbit orchid otter
  oyster paddle palace panther parrot pebble pelican pepper petal pigeon pillar pine pistol planet plum pocket
  poplar prism puzzle python quartz quiver rabbit radar raven ribbon river robin rocket rose ruby saddle saffron
  salmon sapphire satin scarlet shadow shell silver smoke spider spruce stable statue stone storm sugar summit
  sunset swallow tablet teapot temple thistle thunder tiger timber topaz tower trumpet tulip tunnel turnip turtle
  umber valley velvet violet walnut walrus willow window winter wizard wolf yellow zebra zephyr zinc
`
  .trim()
  .split(/\s+/)

/**
 * The text of a needle, as in the task on which both models were trained: a value of four digits (two tokens) is stated under a word, and asked for later.
 */
export const needleText = (word: string, value: string) => ` (remember ${word} ${value})`
export const questionText = (word: string) => ` (recall ${word}`
export const answerText = (value: string) => ` ${value})`
