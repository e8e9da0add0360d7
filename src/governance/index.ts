export {
  createGovernance,
  type Execution,
  type ExecutionFault,
  type Governance,
  type GovernanceDeps,
  type GovernanceFault,
  type GovernanceStanding,
  type ProposalDraft,
  type TreasuryReport,
} from './governance.ts';
