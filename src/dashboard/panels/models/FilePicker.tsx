import { useRef } from 'react';
import { Button, type ButtonProps } from '../../kit/Button.tsx';

/** The browser's own dialog behind a button of ours. Any file may be chosen: a model's data has no common ending. */
export const FilePicker = ({
  look,
  label,
  onFiles,
}: {
  readonly look: NonNullable<ButtonProps['look']>;
  readonly label: string;
  readonly onFiles: (files: readonly File[]) => void;
}) => {
  const browse = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={browse}
        className="unseen"
        type="file"
        multiple
        tabIndex={-1}
        aria-label="Model files"
        onChange={({ currentTarget }) => {
          onFiles([...(currentTarget.files ?? [])]);
          // The same file may be chosen again after it was closed.
          currentTarget.value = '';
        }}
      />
      <Button look={look} icon="models" onClick={() => browse.current?.click()}>
        {label}
      </Button>
    </>
  );
};
