// What an application bundles that only verifies tokens, at the edge or in a browser's worker.
export { authorize, decodeIdentifier, parseCredential, readTerms } from 'satway'
export { decodeToken, verify } from 'satway/macaroon'
export { createKeyRing } from 'satway/server'
