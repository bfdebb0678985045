export { runConfigImport } from './import-command.ts'
