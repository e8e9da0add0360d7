export const ReceiptsPanel = () => <p>Receipts</p>;
