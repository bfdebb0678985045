/**
 * The configuration of one service `shop`, without what every stage has.
 *
 * @param upstream - Its URL, or a mapping in one line.
 * @param routes - Such as `GET /a: 10 sat`.
 * @param more - Lines beside the services.
 */
export function shop(
  upstream: string,
  routes: readonly string[],
  more: readonly string[] = [],
): string {
  return [
    ...more,
    'services:',
    '  - name: shop',
    `    upstream: ${upstream}`,
    '    routes:',
    ...routes.map((route) => `      ${route}`),
  ].join('\n')
}
