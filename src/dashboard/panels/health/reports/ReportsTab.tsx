import { AdviceSection } from './AdviceSection.tsx';
import { KeptSection } from './KeptSection.tsx';
import { PrivacySection } from './PrivacySection.tsx';
import { ReportSection } from './ReportSection.tsx';
import { SaveSection } from './SaveSection.tsx';
import './reports.css';

export const ReportsTab = () => (
  <div className="health-tab">
    <AdviceSection />
    <div className="columns">
      <ReportSection />
      <SaveSection />
    </div>
    <div className="columns">
      <PrivacySection />
      <KeptSection />
    </div>
  </div>
);
