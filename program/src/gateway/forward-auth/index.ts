export type { ForwardAuthMode, ForwardAuthOptions } from './forward-auth.ts'
export { createForwardAuth } from './forward-auth.ts'
