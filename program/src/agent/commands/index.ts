export {
  runConfigGet,
  runConfigPath,
  runConfigSet,
  runConfigShow,
  runConfigUnset,
} from './config-commands.ts'
export {
  runPolicyCheck,
  runPolicyInit,
  runPolicySchema,
  runPolicyShow,
  runPolicySpending,
} from './policy-commands.ts'
