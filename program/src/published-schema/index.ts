export type { CommandDescription } from './describe-command.ts'
export { describeCommand } from './describe-command.ts'
export { outputs } from './outputs.ts'
export { runSchema } from './schema-command.ts'
