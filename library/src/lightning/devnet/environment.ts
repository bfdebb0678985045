import { env } from 'node:process'

/** Whether the program runs in production. The one place here that reads the environment. */
export function isProduction(): boolean {
  return env['NODE_ENV'] === 'production'
}
