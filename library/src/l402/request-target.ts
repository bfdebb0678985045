/** A request target that can be read in one way only. */
export type CanonicalTarget = {
  /** Starts with `/`; percent-encoding only where required, upper-case hex. */
  readonly path: string
  /** The query as sent, with `?`; empty when there is none. */
  readonly query: string
}
/**
 * The one canonical form of an origin-form request target.
 * @throws {L402Error} REQUEST_AMBIGUOUS
 */
export declare function canonicalTarget(target: string): CanonicalTarget
