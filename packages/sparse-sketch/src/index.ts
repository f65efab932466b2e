export { countSketch, countSketchRows } from './count-sketch'
export { osnap, osnapRows } from './osnap'
export { srht } from './srht'
