export {
  crossAttention,
  restoreCrossAttention,
  type CrossAttention,
  type CrossAttentionOptions,
} from './cross-attention'
export { selfAttention, type RowsTwice, type SelfAttention } from './self-attention'
