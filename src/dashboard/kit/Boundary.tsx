import { Component, type ReactNode } from 'react';
import { Button } from './Button.tsx';
import { Notice } from './Notice.tsx';

type BoundaryState = { readonly error: Error | undefined };

/** A bug in one part of the page costs that part: the rest and all work go on. */
export class Boundary extends Component<{ readonly children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: undefined };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Notice
        tone="bad"
        title="This part of the page could not be drawn"
        action={<Button onClick={() => this.setState({ error: undefined })}>Try again</Button>}
      >
        {error.message}. Your jobs go on. If it stays, reload the page; the log under Health says more.
      </Notice>
    );
  }
}
