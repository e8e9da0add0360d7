/// <reference types="vite/client" />
/** Version and revision of this build. */
declare const __BUILD__: string;
