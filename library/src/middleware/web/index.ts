export type { PaidHandler, WebOptions } from './protect.ts'
export { protect } from './protect.ts'
export { readWebRequest } from './web-request.ts'
export { toResponse, withHeaders } from './web-response.ts'
