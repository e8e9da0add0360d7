export const DevicePanel = () => <p>Device</p>;
