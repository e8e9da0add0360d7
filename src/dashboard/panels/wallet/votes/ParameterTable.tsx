import type { ParameterView } from '../../../../app/readModels.ts';
import { asSentence } from '../../../kit/format.ts';
import { parameterName, valueInWords } from './voteWords.ts';

export const ParameterTable = ({ parameters }: { readonly parameters: readonly ParameterView[] }) => (
  <table className="table wallet-table settings">
    <thead>
      <tr>
        <th scope="col">Setting</th>
        <th scope="col" className="number">
          Now
        </th>
        <th scope="col" className="number roomy">
          One step leads to
        </th>
      </tr>
    </thead>
    <tbody>
      {parameters.map((parameter) => (
        <tr key={parameter.name}>
          <td>
            {parameterName(parameter.name)}
            <span className="row-note">{asSentence(parameter.meaning)}</span>
          </td>
          <td className="number">{valueInWords(parameter, parameter.value)}</td>
          <td className="number roomy quiet">
            {valueInWords(parameter, parameter.least)} – {valueInWords(parameter, parameter.most)}
          </td>
        </tr>
      ))}
    </tbody>
  </table>
);
