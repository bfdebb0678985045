/**
 * Whether this runs for an agent, which decides nothing that is the operator's to decide. Believes
 * the environment that a host sets for its agent: a fence and no wall.
 *
 * @spec agent.md R-CLI-8
 */
export function isAgentRun(environment: Readonly<Record<string, string | undefined>>): boolean {
  return !['', '0', undefined].includes(environment['SATWAY_AGENT'])
}
