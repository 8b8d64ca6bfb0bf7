"""Sample texts of two kinds, contracts and patient notes, as an operator would put them into folders. All made up."""

from __future__ import annotations

CONTRACTS = (
    "This Lease Agreement is made between the Landlord and the Tenant. The Tenant shall pay a monthly rent of 1,450 in advance "
    "on the first working day of each month. The term begins on the first of March and runs for twenty-four months.",
    "The Supplier shall deliver the Goods to the Buyer's warehouse within thirty days of the order. Title passes on payment in "
    "full. Either party may terminate this agreement with sixty days' written notice.",
    "This Mutual Non-Disclosure Agreement governs the exchange of confidential information between the parties. The Receiving "
    "Party shall not disclose it to any third party without prior written consent of the Disclosing Party.",
    "The Consultant agrees to perform the services described in Schedule A. The Company shall pay the Consultant a fixed fee, "
    "due thirty days after receipt of an invoice. All work product shall be the exclusive property of the Company.",
    "Employment Agreement. The Employee shall devote full working time to the Employer. The annual salary is payable in twelve "
    "equal instalments. During the probation period of six months either party may give two weeks' notice.",
    "The Licensor grants the Licensee a non-exclusive, non-transferable right to use the Software. The Licensee shall not "
    "sublicense, reverse engineer or lease it. Liability is limited to the fees paid in the preceding twelve months.",
    "The Seller sells and the Purchaser buys the shares listed in Annex 1 free of any encumbrance. The Purchase Price shall be "
    "paid at Closing. The Seller warrants that the accounts give a true and fair view.",
    "This Agreement shall be governed by the laws of the Netherlands. Any dispute arising out of it shall be finally settled by "
    "arbitration. No amendment is valid unless made in writing and signed by both parties.",
    "The Contractor shall complete the Works by the Completion Date. For each week of delay the Contractor shall pay liquidated "
    "damages of one percent of the Contract Sum, up to a maximum of ten percent.",
    "The Borrower shall repay the Loan in forty-eight monthly instalments with interest of five percent a year. On an event of "
    "default the Lender may declare all outstanding amounts immediately due and payable.",
)
PATIENT_NOTES = (
    "Patient is a 54-year-old man admitted with acute chest pain radiating to the left arm. ECG shows ST elevation in the "
    "inferior leads. Troponin raised. Started on aspirin and heparin, referred for angiography.",
    "67-year-old woman, known type 2 diabetes, presents with a non-healing ulcer of the right foot. HbA1c 9.8 percent. Wound "
    "debrided, swab taken, antibiotics prescribed. Review in clinic in one week.",
    "Follow-up visit. Blood pressure 148/92 on ramipril 5 mg. No oedema, lungs clear. Dose increased to 10 mg, kidney function "
    "to be checked in two weeks.",
    "Child of four with fever of 39.4 and a productive cough for three days. Crackles at the right base. Chest X-ray confirms "
    "pneumonia. Amoxicillin given, parents told when to return.",
    "Discharge summary: laparoscopic appendectomy without complications. Patient tolerated a normal diet on the first day after "
    "surgery. Wound dry. Paracetamol as needed, sutures out after ten days.",
    "Psychiatric note: patient reports low mood, early waking and loss of appetite for two months. No suicidal thoughts. "
    "Diagnosis moderate depressive episode. Sertraline 50 mg started, therapy arranged.",
    "The patient complains of worsening shortness of breath on exertion. Spirometry shows obstruction, FEV1 48 percent of "
    "predicted. COPD exacerbation treated with prednisolone and inhaled bronchodilators.",
    "Obstetric record: 31 weeks pregnant, second child, movements felt daily. Fundal height appropriate. Glucose tolerance test "
    "abnormal, gestational diabetes diagnosed, dietary advice given.",
    "Neurology consultation: sudden weakness of the right side and slurred speech lasting forty minutes. MRI without infarct. "
    "Transient ischaemic attack; clopidogrel and atorvastatin started.",
    "Biopsy of the skin lesion on the back shows a melanoma, Breslow thickness 1.2 mm, margins free. Patient informed of the "
    "diagnosis; sentinel node biopsy planned, staging CT requested.",
)
CONTRACTS_ZH = (
    "甲方将房屋出租给乙方使用，租期二十四个月，月租金人民币四千五百元，乙方应于每月五日前支付。",
    "卖方应在收到订单后三十日内将货物送达买方指定的仓库，所有权自货款付清之日起转移。",
    "双方对在合作过程中知悉的对方商业秘密负有保密义务，未经对方书面同意不得向第三方披露。",
    "乙方为甲方提供本协议附件所列的咨询服务，甲方应在收到发票后三十日内支付服务费。",
    "本合同适用中华人民共和国法律，因本合同引起的争议提交仲裁委员会仲裁。",
    "承包人应在约定日期前完成工程，每逾期一日按合同总价的千分之一支付违约金。",
    "借款人应分四十八期偿还贷款本息，逾期还款的，贷款人有权要求立即清偿全部欠款。",
    "劳动者试用期为六个月，试用期内任何一方可以提前三日通知对方解除劳动合同。",
)
