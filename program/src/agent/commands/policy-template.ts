/**
 * The file that `satway policy init` writes: what is built in, and everything else to be switched on.
 *
 * @spec agent.md R-POL-12
 */
export const policyTemplate = `# What may be paid. This file is the operator's: what an agent says can only tighten it.
#
# It counts as soon as it is saved. While it has a mistake nothing is paid, and what is free goes on:
# \`satway policy check FILE\` before you put a file in place, \`satway policy show\` for what is in force.
#
# An agent that runs as your user can write to your files, this one included. Where that is not good
# enough, run the agent as a user of its own, keep the file as yours, and name it to the agent's service
# with SATWAY_POLICY.
version: 1

# Amounts have a unit: 100 sat, 1500 msat, 0.0001 BTC. Fees are included everywhere.
per_payment: 1000 sat
per_hour: 5000 sat
per_day: 20000 sat
total: 100000 sat

# The most at one host, in all.
#per_host: 10000 sat

# The most that the route may take. Without it: the larger of 5 sat and 1 % of the price.
#max_fee: 20 sat

# What costs more, fee ceiling included, is asked about: on the terminal, or in \`satway approvals\`.
#auto_up_to: 100 sat

# The first payment at a host: allow, ask or deny. A host that is named in full below is not new.
#new_hosts: ask

# Names, "*." for everything below a name, and a port where it matters. \`deny\` wins.
#hosts:
#  allow: [api.example.com, "*.example.org", "localhost:8402"]
#  deny: [shop.example.org]

# Public keys of nodes, 66 hex digits each. \`deny\` wins.
#payees:
#  allow: []
#  deny: []

# bitcoin is real money; testnet, signet, regtest and simnet are for trying things out.
#networks: [bitcoin]

# Hosts where plain http is good enough. This machine and .onion always are.
#allow_http: []

# Hosts on this machine or in a private network that an agent's URL or a redirect may lead to.
#allow_private: []

# Whether a token that cannot be read may be paid for.
#opaque_tokens: true

# Whether bare invoices may be paid: for \`satway wallet serve\`.
#invoices: false

# How much a host may owe, paid and not delivered, before nothing more is paid there: 1 to 100.
#max_undelivered: 3
`
