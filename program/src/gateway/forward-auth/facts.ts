import type { HeaderList, Receipt } from 'satway/server'

/**
 * What the upstream may know of a purchase. All of it is said of a free request too, with nothing in
 * it: some proxies keep what their client sent, or write the name of a variable, where a header that
 * they are to copy is missing.
 *
 * @spec gateway.md R-FA-5
 */
export function factsOf(receipt: Receipt | undefined): HeaderList {
  return [
    ['Satway-Token-Id', receipt?.tokenId ?? ''],
    ['Satway-Payment-Hash', receipt?.paymentHash ?? ''],
    ['Satway-Service', receipt?.service ?? ''],
    ['Satway-Capability', receipt?.capability ?? ''],
    ['Satway-Amount-Msat', receipt === undefined ? '' : String(receipt.amountMsat)],
  ]
}
