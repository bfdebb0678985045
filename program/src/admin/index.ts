export type { Control, HealthCheck, HealthReport, ServiceView } from './control.ts'
export { ControlRefusal } from './control.ts'
export type { Admin, AdminOptions } from './server.ts'
export { openAdmin } from './server.ts'
