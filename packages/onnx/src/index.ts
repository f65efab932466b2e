export { filesInMemory, type ModelFiles } from './model-files'
