export { gaussianRows } from './gaussian-rows'
export { gaussianSketch } from './gaussian-sketch'
