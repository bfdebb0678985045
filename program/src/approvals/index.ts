export { hostAsked, viewApproval } from './approval-view.ts'
export { runApprove, runDeny } from './decide.ts'
export { runApprovalsList } from './list.ts'
