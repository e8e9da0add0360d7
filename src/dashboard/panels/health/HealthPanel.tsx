export const HealthPanel = () => <p>Health</p>;
