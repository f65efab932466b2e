export type {
  Board,
  BoardBars,
  BoardBudget,
  BoardCell,
  BoardErrors,
  BoardHead,
  BoardHeadResult,
  OverQueries,
} from './board'
export { boardMeans, type BoardMean, type BoardMeans, type BoardUnit } from './board-means'
export { boardMethod, isMethod, type BoardMethodOptions, type BoardStream } from './board-method'
export { compare, type BoardProgress, type CompareOptions } from './compare'
