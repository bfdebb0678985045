/** A first-party caveat, split but not yet understood. */
export type ParsedCaveat = {
  readonly condition: string
  readonly operator: '=' | '<=' | '<' | '>' | '>='
  readonly value: string
}
/** @throws {L402Error} CAVEAT_MALFORMED */
export declare function parseCaveat(text: string): ParsedCaveat
