import { gaussianRows, gaussianSketch } from '@sublinear/gaussian-sketch'
import type { Prepare } from '../statement.ts'
import { products } from './products.ts'

const DELTA = 0.1

export const gaussianProducts: Prepare = ({ epsilon, rows, angle }) =>
  products(gaussianSketch, Math.max(1, Math.round(rows * gaussianRows({ epsilon, delta: DELTA }))), epsilon, angle)
