import { notPublicCode } from './public-address.ts'

const selfSigned = 'its certificate is signed by itself: name it, with cert=file:/path/to/tls.cert'
const notPinned = 'its certificate is not the one that was named with cert='

/** What people can do about codes of Node, OpenSSL and the system. */
const sentences: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: selfSigned,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'nobody known here has signed its certificate: name the one that did, with cert=file:/path/to/ca.pem',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'nobody known here has signed its certificate: name the one that did, with cert=file:/path/to/ca.pem',
  CERT_HAS_EXPIRED: 'its certificate has expired: make a new one',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet: look at the clocks',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name: use a name that stands in it, or pin the certificate itself',
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name of the host could not be looked up',
  [notPublicCode]: 'it is on this machine or in a private network, and not asked',
  EHOSTUNREACH: 'its network cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ETIMEDOUT: 'it could not be reached in time',
  ENOENT: 'there is no such socket',
  EACCES: 'the socket may not be used by this user',
  EPROTO: 'it does not speak TLS there, or a version that is too old',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there',
}

/** Why a connection was not made, for people. Nothing of what a peer says is repeated. */
export function whyNotConnected(error: NodeJS.ErrnoException, isPinned: boolean): string {
  // One error for each address that was tried.
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error
  const { code = '' } = first
  const sentence = sentences[code]
  if (
    isPinned &&
    sentence !== undefined &&
    /CERT|SIGNED|VERIFY/.test(code) &&
    code !== 'CERT_HAS_EXPIRED'
  ) {
    return notPinned
  }
  return sentence ?? `it cannot be reached${/^[A-Z_]{1,40}$/.test(code) ? `: ${code}` : ''}`
}
