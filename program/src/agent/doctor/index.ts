export { examine } from './examine.ts'
export { runDoctor } from './run-doctor.ts'
