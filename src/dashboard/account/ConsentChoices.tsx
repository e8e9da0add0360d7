import { useId } from 'react';
import type { Consent } from '../../app/readModels.ts';
import { Icon } from '../kit/Icon.tsx';
import { consentOrder, consentTexts } from './consents.ts';
import './account.css';

export const ConsentChoices = ({
  value,
  onChoose,
}: {
  readonly value: Consent | undefined;
  readonly onChoose: (consent: Consent) => void;
}) => {
  const id = useId();
  return (
    <fieldset className="consents">
      <legend className="unseen">Who reads your pages</legend>
      {consentOrder.map((consent) => {
        const text = consentTexts[consent];
        return (
          <button
            key={consent}
            type="button"
            className="consent"
            aria-label={text.title}
            aria-describedby={`${id}-${consent}`}
            aria-pressed={value === undefined ? undefined : value === consent}
            onClick={() => onChoose(consent)}
          >
            <span className="consent-title">
              {text.title}
              {value === consent ? <Icon name="check" size={18} /> : null}
            </span>
            <span id={`${id}-${consent}`} className="consent-text">
              <span>{text.what}</span>
              <span className="consent-sees">
                <Icon name="eye" size={16} />
                <span>{text.sees}</span>
              </span>
            </span>
          </button>
        );
      })}
    </fieldset>
  );
};
