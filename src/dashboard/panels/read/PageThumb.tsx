import type { PageView } from '../../../app/readModels.ts';
import type { JobId } from '../../../core/brand.ts';
import { usePageImage } from '../../hooks/usePageImage.ts';
import { Icon } from '../../kit/Icon.tsx';

export const PageThumb = ({ job, page }: { readonly job: JobId; readonly page: PageView }) => {
  const image = usePageImage(job, page.index);
  const failed = page.state.phase === 'failed';
  return (
    <span className={failed ? 'thumb thumb-failed' : 'thumb'}>
      {image.phase === 'ready' && !failed ? (
        <img src={image.url} alt="" loading="lazy" decoding="async" />
      ) : null}
      {failed ? <Icon name="warn" /> : null}
    </span>
  );
};
