export { amsRows } from './ams-rows'
export { amsSketch } from './ams-sketch'
export { medianOfMeans, medianOfMeansSizes, type MedianOfMeans } from './median-of-means'
