import { createHash } from 'node:crypto'
import { Credential, Method, z } from 'mppx'

/**
 * `lightning/charge` for mppx, which brings none: the challenge carries an invoice, the credential
 * its preimage. Made with mppx's own means, so that everything on the wire is mppx's.
 */
const charge = Method.from({
  name: 'lightning',
  intent: 'charge',
  schema: {
    credential: { payload: z.object({ preimage: z.string() }) },
    request: z.object({
      amount: z.string(),
      currency: z.string(),
      methodDetails: z.object({ invoice: z.string(), paymentHash: z.string() }),
    }),
  },
})

/** The seller's side. The caller puts the invoice and its payment hash into each route. */
export const lightningServer = Method.toServer(charge, {
  async verify({ credential }) {
    const { paymentHash } = credential.challenge.request.methodDetails
    const preimage = Buffer.from(credential.payload.preimage, 'hex')
    if (createHash('sha256').update(preimage).digest('hex') !== paymentHash) {
      throw new Error('the preimage does not match')
    }
    return {
      method: charge.name,
      status: 'success',
      reference: paymentHash,
      timestamp: new Date().toISOString(),
    }
  },
  stableBinding: ({ amount, currency }) => ({ amount, currency }),
})

/** A wallet as mppx's client needs it. */
type Wallet = { payInvoice(order: { readonly invoice: string }): Promise<{ preimage: string }> }

/** The buyer's side. */
export function lightningClient(wallet: Wallet) {
  return Method.toClient(charge, {
    async createCredential({ challenge }) {
      const { invoice } = challenge.request.methodDetails
      const { preimage } = await wallet.payInvoice({ invoice })
      return Credential.serialize(Credential.from({ challenge, payload: { preimage } }))
    },
  })
}
