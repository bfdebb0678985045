import type { Attempt } from './ledger.ts'

/** `isOver`: this process does not give the order any more, nor anew. */
export type OwnOrder = { readonly attempt: number; readonly isOver: boolean }

/** The attempts at payments that this process began and has not seen end. */
export type OwnOrders = {
  add(attempt: Attempt): void
  /** `undefined`: another process began this attempt, or this one in an earlier life. */
  find(attempt: Attempt): OwnOrder | undefined
  /** Notes that the order is not given any more. */
  over(attempt: Attempt): void
  forget(attempt: Attempt): void
}

/** Tells attempts at one payment apart: what is heard of an earlier one says nothing about the latest. */
export function createOwnOrders(): OwnOrders {
  const orders = new Map<string, OwnOrder>()
  const find = ({ paymentHash, attempt }: Attempt): OwnOrder | undefined => {
    const order = orders.get(paymentHash)
    return order?.attempt === attempt ? order : undefined
  }
  return {
    find,
    add: ({ paymentHash, attempt }) => {
      orders.set(paymentHash, { attempt, isOver: false })
    },
    over: (attempt) => {
      const order = find(attempt)
      if (order !== undefined) orders.set(attempt.paymentHash, { ...order, isOver: true })
    },
    forget: (attempt) => {
      if (find(attempt) !== undefined) orders.delete(attempt.paymentHash)
    },
  }
}
