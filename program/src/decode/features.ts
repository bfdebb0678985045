/** BOLT 9's names of the features that invoices carry; the even bit of a pair demands, the odd offers. */
const names: Readonly<Record<number, string>> = {
  8: 'var_onion_optin',
  14: 'payment_secret',
  16: 'basic_mpp',
  24: 'option_route_blinding',
  30: 'amp',
  36: 'option_attribution_data',
  48: 'option_payment_metadata',
  54: 'keysend',
  262: 'bolt11_blinded_paths',
}

/** The name of the pair that a bit belongs to, or `null`. */
export function featureName(bit: number): string | null {
  return names[bit - (bit % 2)] ?? null
}
