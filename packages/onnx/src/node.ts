export { filesInFolder } from './files-in-folder'
export { hubFolder, type HubFolderOptions } from './hub-folder'
