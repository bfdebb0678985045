/**
 * What an adapter gives to `finish` when the client has left before the response started: below 500,
 * so that the use counts, whatever the handler made of it.
 *
 * @spec server.md R-SRV-43
 */
export const clientGone = 499
