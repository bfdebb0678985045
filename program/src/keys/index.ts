export { removeKey, rotateKeyFile, viewKeyFile } from './key-file.ts'
export { runKeysList, runKeysRevoke, runKeysRotate } from './keys.ts'
export { createPrivateFile, readPrivateFile } from './private-file.ts'
export { inSatwayFolder } from './satway-folder.ts'
