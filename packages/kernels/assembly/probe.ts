// What benches alone need.
export { peak } from './peak'
