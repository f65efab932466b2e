import { amsRows, amsSketch } from '@sublinear/ams-sketch'
import type { Prepare } from '../statement.ts'
import { products } from './products.ts'

const DELTA = 0.1

export const amsProducts: Prepare = ({ epsilon, rows, angle }) =>
  products(amsSketch, Math.max(1, Math.round(rows * amsRows({ epsilon, delta: DELTA }))), epsilon, angle)
