import type { DenyList, UseStore } from './store.ts'
export declare function createMemoryUseStore(options?: { readonly now?: () => number }): UseStore
export declare function createMemoryDenyList(): DenyList & { deny(id: string): void }
