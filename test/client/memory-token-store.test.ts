import { createMemoryTokenStore } from '../../library/src/client/index.ts'
import { describeTokenStore } from './token-store-contract.ts'

describeTokenStore('in memory', createMemoryTokenStore)
