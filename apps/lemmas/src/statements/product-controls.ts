import type { Control } from '../statement.ts'

/** Controls of a statement about products of sketches. */
export const EPSILON: Control = { name: 'epsilon', label: 'ε', least: 0.05, most: 0.5, step: 0.05, usual: 0.2 }
export const ROWS: Control = {
  name: 'rows',
  label: 'share of the rows that are needed',
  least: 0.01,
  most: 1,
  step: 0.01,
  usual: 1,
  unit: '%',
}
export const ANGLE: Control = {
  name: 'angle',
  label: 'angle between u and v',
  least: 0,
  most: 90,
  step: 15,
  usual: 0,
  unit: '°',
}
