// Every kernel around and above 2 GiB of its memory, by the tests that it passes at the bottom. Kills: an address in a signed 32-bit number, as
// `(at + 7) & -8` was in dotColumns, which then answered wrongly without a word; an end that is compared as signed.
import './around-2-gib'
import './attend-codes.test'
import './attend-cuts.test'
import './columns.test'
import './normal-columns.test'
import './pack.test'
import './product.test'
import './rows.test'
import './shares.test'
import './sketch-columns.test'
import './unpack.test'
