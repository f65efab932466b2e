export * from './floats'
export * from './codes'
export * from './sketches'
