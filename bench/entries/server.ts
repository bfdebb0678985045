// What an application bundles that sells: paywall, routes, stores, key ring.
export {
  createKeyRing,
  createMemoryDenyList,
  createMemoryUseStore,
  createPaywall,
  createRoutes,
  parseKeyRing,
} from 'satway/server'
