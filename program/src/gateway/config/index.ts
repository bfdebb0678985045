export { runConfigImport } from './aperture/index.ts'
export { runConfigCheck } from './check.ts'
export type {
  AdminConfig,
  ConfigMistake,
  EdgeLimits,
  FreeTierConfig,
  GatewayConfig,
  IssuanceConfig,
  ListenerConfig,
  PriceConfig,
  RateLimitConfig,
  RateSourceConfig,
  RewriteConfig,
  RouteConfig,
  SaleConfig,
  ServiceConfig,
  TlsConfig,
  UpstreamConfig,
  WalletConfig,
} from './config.ts'
export { combine, readConfig, readServiceDocument } from './config-reader.ts'
export { runInit } from './init.ts'
export type { OneLine } from './one-line.ts'
export { oneLineConfig } from './one-line.ts'
export type { ConfigReading, ServiceDocument, ServiceReadingResult } from './read.ts'
export type { Where } from './references.ts'
export type { InvoiceLimits } from './wallet-limits.ts'
