/** The conditions that `authorize` enforces for a service, as published to holders. */
export declare function enforcedConditions(service: string): readonly string[]
