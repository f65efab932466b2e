export { filesInFolder } from './files-in-folder'
